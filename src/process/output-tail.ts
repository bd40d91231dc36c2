/** The end of what a program prints. */
export interface OutputTail {
  add(text: string): void;
  text(): string;
}

/** Keeps so many of the last characters, in a time that does not depend on how small the pieces are that they come in. */
export function outputTail(characters: number): OutputTail {
  let kept = "";
  return {
    add(text) {
      kept += text;
      // Each cut copies what is kept, so that it is not for each line that one is made.
      if (kept.length > 2 * characters) kept = kept.slice(-characters);
    },
    text: () => kept.slice(-characters),
  };
}
