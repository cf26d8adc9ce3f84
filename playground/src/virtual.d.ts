declare module "virtual:policy" {
  /** The module. */
  export const base64: string;
  /** Its size in bytes. */
  export const size: number;
  /** Its SHA-256. */
  export const sha256: string;
}
