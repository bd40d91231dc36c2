/** Every name that a manifest gives a meaning to (OCI image-spec, manifest.md, image-index.md, descriptor.md). */
const known: ReadonlyMap<string, string> = new Map(
  [
    ...["schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "subject", "annotations"],
    ...["digest", "size", "urls", "data", "platform", "os", "architecture", "variant"],
  ].map((name) => [folded(name), name]),
);

/**
 * A name by which one document says two things to two readers: written twice in an object, or as only those read it who
 * know no case. Programs in Go, such as containerd, are among these, and take the last of several, with what the earlier
 * ones had besides.
 *
 * @param text well-formed JSON
 */
export function ambiguousName(text: string): string | undefined {
  /** Names of the objects that are open; undefined for lists, and for maps, whose names mean nothing. */
  const open: (Set<string> | undefined)[] = [];
  let isMap = false;
  for (let offset = 0; offset < text.length; offset += 1) {
    const character = text[offset];
    if (character === '"') {
      const end = endOfString(text, offset);
      const written = text.slice(offset, end);
      offset = end - 1;
      isMap = false;
      const names = open.at(-1);
      if (names === undefined || !isName(text, end)) continue;
      const name: unknown = JSON.parse(written);
      if (typeof name !== "string") continue;
      const fold = folded(name);
      if (names.has(fold) || (known.get(fold) ?? name) !== name) return name;
      names.add(fold);
      isMap = name === "annotations";
    } else if (character === "{" || character === "[") {
      open.push(character === "{" && !isMap ? new Set() : undefined);
      isMap = false;
    } else if (character === "}" || character === "]") {
      open.pop();
    }
  }
  return undefined;
}

/** As Go compares names: "ſ" and the Kelvin sign are letters of theirs in another case. */
function folded(name: string): string {
  return name.toUpperCase().toLowerCase();
}

/** The offset behind the closing quote. */
function endOfString(text: string, start: number): number {
  let offset = start + 1;
  while (offset < text.length && text[offset] !== '"') offset += text[offset] === "\\" ? 2 : 1;
  return offset + 1;
}

function isName(text: string, offset: number): boolean {
  let next = offset;
  while (" \t\r\n".includes(text[next] ?? "x")) next += 1;
  return text[next] === ":";
}
