import { afterEach } from "vitest";

/** Remembers what a test opened, and closes it after the test, the last first. */
export function disposal(): <Part extends { close(): Promise<void> }>(part: Part) => Part {
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const part of opened.splice(0).reverse()) await part.close();
  });
  return (part) => {
    opened.push(part);
    return part;
  };
}
