// The engine for the page itself, beside the one in the worker: the editors' texts are read as kubectl reads them.
import type { Json } from "./json.ts";
import { modules } from "./modules.ts";
import { Guest } from "./wapc.ts";

let guest: Guest;

/** To be awaited before anything is read. */
export const ready: Promise<void> = modules.then(async ({ engine }) => {
  guest = await Guest.start(engine, () => new Uint8Array());
});

/** Part of a text: its first character, and the one behind its last. */
export interface Place {
  from: number;
  to: number;
}

/** What can't be read, and where. */
export interface Unread {
  message: string;
  from: number;
}

/** A document of a text. */
export type Read = ({ value: Json } & Place) | Unread;

/** The documents of a text. */
export const read = (text: string): Read[] => JSON.parse(guest.call("read", text)) as Read[];

/** The value of a text that is one document; an exception says what can't be read. */
export function parse(text: string): Json {
  const [document] = read(text);
  if (document === undefined) return null;
  if ("message" in document) throw new Error(document.message);
  return document.value;
}

/** Whether kubectl reads a line of text as itself, where it stands without quotes. */
export function isPlain(line: string): boolean {
  const [document] = read(`- ${line}`);
  const value = document !== undefined && "value" in document ? document.value : undefined;
  return Array.isArray(value) && value[0] === line;
}

/** The settings in a text, or in a policy's manifest, and where what has these paths stands. */
export const readSettings = (text: string, paths: string[] = []): { value: Json; places: Place[] } | Unread =>
  JSON.parse(guest.call("settings", JSON.stringify({ text, paths }))) as { value: Json; places: Place[] } | Unread;
