import type { TextOutput } from "./platform.ts";

/**
 * A stream of the process. A terminal that nobody has given a size, as some CI systems make them, says that it has no
 * columns, and every table would be cut to nothing.
 */
export function processOutput(stream: TextOutput): TextOutput {
  return {
    write: (text) => stream.write(text),
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns === 0 ? undefined : stream.columns;
    },
  };
}
