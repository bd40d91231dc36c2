// ECMA-48: CSI sequences (colours, cursor), OSC and the other strings up to their terminator, and two-byte escapes.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const sequences = /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g;
// Controls, line separators, and what turns the direction of text: a name must not look like another.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * One line without anything that steers a terminal. Names and programs' output come from strangers: colours are taken
 * out, other controls made visible.
 */
export function printable(text: string): string {
  return text.replace(sequences, "").replace(controls, "\ufffd");
}

// The same but for what JSON escapes itself.
const controlsInJson = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** A value as JSON, by default on many lines. Its strings say what they said, and steer no terminal. */
export function printableJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, undefined, indent).replace(
    controlsInJson,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
