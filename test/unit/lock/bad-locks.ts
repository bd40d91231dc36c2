const a = `sha256:${"a".repeat(64)}`;
const b = `sha256:${"b".repeat(64)}`;
const head = "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n";

function entry(image: string, annotations: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(annotations).map(([key, value]) => `      ${key}: ${value}\n`);
  return `  - image: ${image}\n${lines.length === 0 ? "" : `    annotations:\n${lines.join("")}`}`;
}

/** Text of a lock, and every line of the error that refuses it: `LINE:COLUMN message => hint`. */
export const badLocks: readonly (readonly [name: string, text: string, problems: readonly string[]])[] = [
  [
    "nothing",
    "",
    [
      "1:1 the lock has no apiVersion => write the lock again: kubefile build --lock",
      "1:1 the lock has no kind => write the lock again: kubefile build --lock",
      "1:1 the lock has no images => write the lock again: kubefile build --lock",
    ],
  ],
  ["a list", "- a\n", ['1:1 the lock must be a map of names to values, not ["a"] => docs/lock.md shows one']],
  [
    "no YAML",
    "images: [\n",
    [
      "2:1 not YAML: Flow sequence in block collection must be sufficiently indented and end with a ] => check the indentation and the quotes",
    ],
  ],
  [
    "a tab",
    `${head}\t- image: a\n`,
    ["4:1 not YAML: Tabs are not allowed as indentation => check the indentation and the quotes"],
  ],
  ["the same key twice", `${head}  []\nkind: ImagesLock\n`, ["5:1 the key is there already => keep one of the two"]],
  ["two documents", `${head}  []\n---\n{}\n`, ["5:1 a second document begins here => keep one, and remove the ---"]],
  [
    "another kind",
    "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: BundleLock\nimages: []\n",
    ['2:7 kind is "BundleLock" => write ImagesLock'],
  ],
  [
    "another version",
    "apiVersion: imgpkg.carvel.dev/v2\nkind: ImagesLock\nimages: []\n",
    ['1:13 apiVersion is "imgpkg.carvel.dev/v2" => write imgpkg.carvel.dev/v1alpha1'],
  ],
  [
    "a key that imgpkg refuses",
    `${head}  []\nspec: {}\n`,
    ['5:1 the lock has no key "spec" => kbld and imgpkg refuse keys of others'],
  ],
  [
    "a misspelt key",
    `${head}  - imgae: ${a}\n    image: x.example/a@${a}\n`,
    ['4:5 images[0] has no key "imgae" => did you mean "image"?'],
  ],
  [
    "images that are no list",
    "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages: {}\n",
    ["3:9 images must be a list, not {} => docs/lock.md shows one"],
  ],
  [
    "an entry that is text",
    `${head}  - x.example/a@${a}\n`,
    [
      `4:5 images[0] must be a map of names to values, not "x.example/a@${a.slice(0, 65)}..." => docs/lock.md shows one`,
    ],
  ],
  [
    "an entry without image",
    `${head}  - annotations: {}\n`,
    ["4:5 images[0] has no image => write the lock again: kubefile build --lock"],
  ],
  [
    "a tag instead of a digest",
    `${head}${entry("x.example/a:1")}`,
    [
      '4:12 images[0].image "x.example/a:1" is not registry, repository and digest => write REGISTRY/NAME@sha256: and 64 hexadecimal digits; the tag stands in kbld.carvel.dev/id',
    ],
  ],
  [
    "a tag beside the digest",
    `${head}${entry(`x.example/a:1@${a}`)}`,
    [`4:12 x.example/a:1@${a} has a tag => write x.example/a@${a}; the tag stands in kbld.carvel.dev/id`],
  ],
  [
    "a short digest",
    `${head}${entry("x.example/a@sha256:abc")}`,
    [
      '4:12 images[0].image "x.example/a@sha256:abc" is not registry, repository and digest => write REGISTRY/NAME@sha256: and 64 hexadecimal digits; the tag stands in kbld.carvel.dev/id',
    ],
  ],
  [
    "a name in upper case",
    `${head}${entry(`x.example/A@${a}`)}`,
    [`4:12 x.example/A@${a} is not an image => names are in lower case`],
  ],
  [
    "an id that is no reference",
    `${head}${entry(`x.example/a@${a}`, { "kbld.carvel.dev/id": "x.example/a@b" })}`,
    ["6:27 x.example/a@b is not an image reference => write REGISTRY/NAME[:TAG]"],
  ],
  [
    "an id of another repository",
    `${head}${entry(`x.example/a@${a}`, { "kbld.carvel.dev/id": "x.example/b:1" })}`,
    [`6:27 x.example/b:1 is of another repository than x.example/a@${a} => write both alike`],
  ],
  [
    "an id of another digest",
    `${head}${entry(`x.example/a@${a}`, { "kbld.carvel.dev/id": `x.example/a@${b}` })}`,
    [`6:27 x.example/a@${b} has another digest than x.example/a@${a} => write both alike`],
  ],
  [
    "an id that is a number",
    `${head}${entry(`x.example/a@${a}`, { "kbld.carvel.dev/id": "7" })}`,
    ['6:27 images[0].annotations["kbld.carvel.dev/id"] must be text, not 7 => put it in quotes: "7"'],
  ],
  [
    "an unknown role",
    `${head}${entry(`x.example/a@${a}`, { "io.kubefile.role": "bas" })}`,
    ['6:25 images[0].annotations.io.kubefile.role cannot be "bas" => did you mean "base"?'],
  ],
  [
    "an unknown grade",
    `${head}${entry(`x.example/a@${a}`, { "io.kubefile.grade": "green" })}`,
    ['6:26 images[0].annotations.io.kubefile.grade cannot be "green" => write ready or pulled or static'],
  ],
  [
    "an image twice",
    `${head}${entry(`x.example/a@${a}`)}${entry(`x.example/a@${a}`)}`,
    [`5:12 x.example/a@${a} stands here twice => keep one of the two`],
  ],
  [
    "a tag twice",
    `${head}${entry(`x.example/a@${a}`, { "kbld.carvel.dev/id": "x.example/a:1" })}${entry(`x.example/a@${b}`, { "kbld.carvel.dev/id": "x.example/a:1" })}`,
    ["7:12 x.example/a:1 stands here twice => keep one of the two"],
  ],
  [
    "a tag with two digests in two roles",
    `${head}${entry(`x.example/a@${a}`, { "kbld.carvel.dev/id": "x.example/a:1" })}${entry(`x.example/a@${b}`, { "kbld.carvel.dev/id": "x.example/a:1", "io.kubefile.role": "base" })}`,
    [`7:12 x.example/a:1 stands for ${b} here and for ${a} above => one tag has one digest: write both alike`],
  ],
  [
    "several at once, in the order of their places",
    `${head}${entry("x.example/a:1")}    note: b\n`,
    [
      '4:12 images[0].image "x.example/a:1" is not registry, repository and digest => write REGISTRY/NAME@sha256: and 64 hexadecimal digits; the tag stands in kbld.carvel.dev/id',
      '5:5 images[0] has no key "note" => kbld and imgpkg refuse keys of others',
    ],
  ],
  [
    "an alias bomb",
    `a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b]\nimages: [*c, *c, *c, *c]\n`,
    ["1:1 Excessive alias count indicates a resource exhaustion attack => write aliases out"],
  ],
];
