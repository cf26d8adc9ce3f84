// How look-ups of ServiceAccounts are answered: from the manifests, or with an error that was recorded with the real host.
import errors from "../../test_data/host-errors.json";

export type LookUps = "manifests" | keyof typeof errors.texts;
export const LOOK_UPS = ["manifests", ...Object.keys(errors.texts)] as LookUps[];

/** The error of every look-up; nothing where the manifests answer. */
export const failure = (lookUps: LookUps): string | undefined => (lookUps === "manifests" ? undefined : errors.texts[lookUps]);
