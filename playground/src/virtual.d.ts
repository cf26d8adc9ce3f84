declare module "virtual:modules" {
  /** The policy's module and the engine's, compressed with gzip, in base64. */
  export const policy: string;
  export const engine: string;
}
declare module "virtual:policy" {
  /** Its size in bytes. */
  export const size: number;
  /** Its SHA-256. */
  export const sha256: string;
  /** The version of the policy, and of the webhook that it is compared with. */
  export const version: string;
  export const webhook: string;
}
declare module "virtual:entra" {
  /** The rows of Troubleshooting, "What Microsoft Entra answers": their codes, the words that tell rows of one code apart, what they mean. */
  export const errors: { codes: string[]; words: string; meaning: string }[];
}
