import { readFile } from "node:fs/promises";
import type { Grade } from "../capture/types.ts";
import { errorMessage, KubefileError } from "../error.ts";
import { parseYamlFile, type YamlFileFormat, yamlFileError } from "../kubefile/yaml-file.ts";
import type { YamlProblem } from "../kubefile/yaml-problems.ts";
import { isDigest } from "../oci/digest.ts";
import { formatReference, formatRepository, tryParseReference } from "../oci/reference.ts";
import { describeLockError } from "./describe-lock-error.ts";
import { GRADE_ANNOTATION, ID_ANNOTATION, ROLE_ANNOTATION, sortLocked } from "./format-lock.ts";
import type { Lock, LockedImage, LockRole } from "./types.ts";

/** schemas/kubefile-lock.schema.json. */
interface ImagesLock {
  readonly images: readonly ImagesLockEntry[];
}

interface ImagesLockEntry {
  readonly image: string;
  readonly annotations?: Readonly<Record<string, string>> & {
    readonly [ROLE_ANNOTATION]?: LockRole;
    readonly [GRADE_ANNOTATION]?: Grade;
  };
}

const format: YamlFileFormat = {
  schema: new URL("../../schemas/kubefile-lock.schema.json", import.meta.url),
  code: "LOCK_INVALID",
  longest: { characters: 8 * 1024 * 1024, hint: "it is no lock: write one with kubefile build --lock" },
  page: "write the lock again with kubefile build --lock, or mend these; docs/lock.md describes it",
  describe: describeLockError,
};

/**
 * Reads a lock. Undefined when there is none.
 *
 * @param shown what messages call it
 * @throws KubefileError LOCK_INVALID listing every problem with its place
 */
export async function loadLock(path: string, shown: string): Promise<Lock | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new KubefileError("LOCK_INVALID", `${shown} cannot be read: ${errorMessage(error)}`, {
      hint: "make it a readable file, or remove it",
      cause: error,
    });
  }
  return await parseLock(text, shown);
}

/**
 * Reads the text of a lock, ours or one that kbld wrote. What it says of one name must be one thing: a tag with two
 * digests would leave open what is built.
 *
 * @throws KubefileError LOCK_INVALID listing every problem with its place
 */
export async function parseLock(text: string, shown: string): Promise<Lock> {
  const { value, placeOf } = await parseYamlFile<ImagesLock>(text, shown, format);
  const problems: YamlProblem[] = [];
  const images: LockedImage[] = [];
  for (const [position, entry] of value.images.entries()) {
    const read = readEntry(entry, images);
    if ("image" in read) images.push(read.image);
    else problems.push({ ...placeOf(["images", position, ...read.path]), message: read.message, hint: read.hint });
  }
  if (problems.length > 0) throw yamlFileError(shown, format, problems);
  return { images: sortLocked(images) };
}

type ReadEntry =
  | { readonly image: LockedImage }
  | { readonly path: readonly string[]; readonly message: string; readonly hint: string };

/** What a schema cannot say of an entry. */
function readEntry({ image, annotations = {} }: ImagesLockEntry, before: readonly LockedImage[]): ReadEntry {
  const atImage = ["image"];
  const atId = ["annotations", ID_ANNOTATION];
  const [name = "", digest = ""] = image.split("@");
  const parsed = tryParseReference(image);
  if (parsed === undefined || !isDigest(digest)) {
    return { path: atImage, message: `${image} is not an image`, hint: "names are in lower case" };
  }
  if (parsed.tag !== undefined) {
    const hint = `write ${name.replace(/:[^:]*$/, "")}@${digest}; the tag stands in ${ID_ANNOTATION}`;
    return { path: atImage, message: `${image} has a tag`, hint };
  }
  const id = annotations[ID_ANNOTATION] ?? formatReference(parsed);
  const asked = tryParseReference(id);
  if (asked === undefined) {
    return { path: atId, message: `${id} is not an image reference`, hint: "write REGISTRY/NAME[:TAG]" };
  }
  if (formatRepository(asked) !== formatRepository(parsed)) {
    return { path: atId, message: `${id} is of another repository than ${image}`, hint: "write both alike" };
  }
  if (asked.digest !== undefined && asked.digest !== digest) {
    return { path: atId, message: `${id} has another digest than ${image}`, hint: "write both alike" };
  }
  const reference = formatReference(asked);
  const role = annotations[ROLE_ANNOTATION] ?? "captured";
  const same = before.filter((other) => other.reference === reference);
  if (same.some((other) => other.role === role)) {
    return { path: atImage, message: `${reference} stands here twice`, hint: "keep one of the two" };
  }
  const other = same.find((one) => one.digest !== digest);
  if (other !== undefined) {
    const message = `${reference} stands for ${digest} here and for ${other.digest} above`;
    return { path: atImage, message, hint: "one tag has one digest: write both alike" };
  }
  const grade = annotations[GRADE_ANNOTATION];
  return { image: { reference, digest, role, ...(grade === undefined ? {} : { grade }) } };
}
