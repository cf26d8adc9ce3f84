// What every part of the page makes its own of.
export const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
export const make = <K extends keyof HTMLElementTagNameMap>(tag: K, text = "", name = ""): HTMLElementTagNameMap[K] => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name !== "") made.className = name;
  return made;
};

export function copyButton(text: string, label = "Copy"): HTMLButtonElement {
  const button = make("button", label);
  button.type = "button";
  button.addEventListener("click", async () => {
    if (!(await copy(text))) return;
    // The line that says it can be out of sight.
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 1500);
  });
  return button;
}

/** Whether the text could be copied. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    element("status").textContent = "Copied.";
    return true;
  } catch {
    element("status").textContent = "This browser does not let the page copy: select the text.";
    return false;
  }
}

/** What the user has opened or closed, of which object: it stays so while the text is edited. */
const chosen = new Map<string, boolean>();

/** Details of an object, by their title; open where the user has them so, or at first where `isOpen`. */
export const details =
  (about: string, title: string, isOpen = false) =>
  (...inner: HTMLElement[]): HTMLDetailsElement => {
    const made = make("details");
    const key = `${about}: ${title}`;
    made.append(make("summary", title), ...inner);
    made.open = chosen.get(key) ?? isOpen;
    made.addEventListener("toggle", () => {
      if (made.open !== (chosen.get(key) ?? isOpen)) chosen.set(key, made.open);
    });
    return made;
  };
