/** How a piece of text stands out, where the terminal can show it. */
export interface TextStyle {
  heading(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  warning(text: string): string;
}

export interface TextOptions {
  readonly color: boolean;
  /** Characters; 100 when absent. */
  readonly width?: number | undefined;
}

export function textStyle(color: boolean): TextStyle {
  const paint = (code: number) => (text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { heading: paint(1), dim: paint(2), good: paint(32), bad: paint(31), warning: paint(33) };
}
