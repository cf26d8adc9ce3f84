// What every part of the page makes its own of.
export const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
export const make = <K extends keyof HTMLElementTagNameMap>(tag: K, text = "", name = ""): HTMLElementTagNameMap[K] => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name !== "") made.className = name;
  return made;
};

export function copyButton(text: string): HTMLButtonElement {
  const button = make("button", "Copy");
  button.type = "button";
  button.addEventListener("click", () => void copy(text));
  return button;
}

export async function copy(text: string) {
  try {
    await navigator.clipboard.writeText(text);
    element("status").textContent = "Copied.";
  } catch {
    element("status").textContent = "This browser does not let the page copy: select the text.";
  }
}

export function details(title: string, ...inner: HTMLElement[]): HTMLDetailsElement {
  const made = make("details");
  made.append(make("summary", title), ...inner);
  return made;
}
