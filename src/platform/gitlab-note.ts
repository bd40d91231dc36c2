import { KubefileError } from "../error.ts";
import type { GitLabApi } from "./gitlab-api.ts";
import type { MergeRequest } from "./gitlab-job.ts";
import { GitLabRefusal } from "./gitlab-transport.ts";
import { noteBody, opensNote } from "./sticky-note.ts";

interface Note {
  readonly id: number;
  readonly body: string;
  readonly author: number;
  readonly system: boolean;
}

const NOTES_PER_PAGE = 100;
/** A discussion that is longer than this gets a second note rather than a job that reads for ever. */
const MAX_PAGES = 50;
/** GitLab, "Notes API": the content of a note. */
const LONGEST_NOTE = 1_000_000;

/**
 * Writes a note to a merge request, over the one of the same key if this token's user has written one: a note of
 * somebody else is left alone, whatever it begins with.
 *
 * @returns where it can be read
 * @throws KubefileError PLATFORM, USAGE for a text longer than GitLab takes
 */
export async function writeNote(
  api: GitLabApi,
  { project, number, page }: MergeRequest,
  key: string,
  markdown: string,
): Promise<string> {
  const body = noteBody(key, markdown);
  if (body.length > LONGEST_NOTE) {
    throw new KubefileError("USAGE", `the note has ${body.length} characters; GitLab takes ${LONGEST_NOTE}`, {
      hint: "leave something out, and link to the job's artifacts instead",
    });
  }
  const user = numberAt(await api.users.showCurrentUser(), "id");
  const find = (): Promise<Note | undefined> => findNote(api, project, number, key, user);
  const create = async (): Promise<number> => numberAt(await api.notes.create(project, number, body), "id");
  const write = async (): Promise<number> => {
    const found = await find();
    if (found === undefined) return await create();
    if (found.body === body) return found.id;
    try {
      return numberAt(await api.notes.edit(project, number, found.id, { body }), "id");
    } catch (error) {
      // Somebody has just removed it.
      if (error instanceof GitLabRefusal && error.status === 404) return await create();
      throw error;
    }
  };
  const id = await write().catch(async (error: unknown) => {
    // A server that fails while it writes may have written: only a look tells, so that there are never two.
    const isUnsure = error instanceof KubefileError && error.code === "PLATFORM" && !isRefused(error);
    const written = isUnsure ? await find() : undefined;
    if (written?.body !== body) throw error;
    return written.id;
  });
  return `${page}#note_${id}`;
}

async function findNote(
  api: GitLabApi,
  project: string,
  number: number,
  key: string,
  user: number,
): Promise<Note | undefined> {
  let page: number | undefined = 1;
  for (let pages = 0; page !== undefined && pages < MAX_PAGES; pages++) {
    const options = { page, perPage: NOTES_PER_PAGE, orderBy: "created_at", sort: "asc", showExpanded: true } as const;
    const { notes, next } = readPage(await api.notes.all(project, number, options), page);
    const found = notes.find((note) => note.author === user && !note.system && opensNote(key, note.body));
    if (found !== undefined) return found;
    page = next;
  }
  return undefined;
}

/**
 * Which page is next says the server: it takes out of a page what the token's user may not read, so that one with fewer
 * notes need not be the last. A full page is not, either, whatever a proxy has made of the headers.
 */
function readPage(answer: unknown, page: number): { readonly notes: readonly Note[]; readonly next?: number } {
  if (typeof answer !== "object" || answer === null) throw malformed("notes");
  const { data, paginationInfo }: { readonly data?: unknown; readonly paginationInfo?: unknown } = answer;
  if (!Array.isArray(data)) throw malformed("notes");
  const notes = data.map(readNote);
  const { next }: { readonly next?: unknown } = paginationInfo ?? {};
  if (typeof next === "number") return { notes, next };
  return data.length === NOTES_PER_PAGE ? { notes, next: page + 1 } : { notes };
}

function isRefused(error: KubefileError): boolean {
  return error instanceof GitLabRefusal && error.status < 500;
}

function readNote(value: unknown): Note {
  if (typeof value !== "object" || value === null) throw malformed("a note");
  const { body, system, author } = { body: undefined, system: false, author: undefined, ...value };
  if (typeof body !== "string") throw malformed("a note");
  return { id: numberAt(value, "id"), body, author: numberAt(author, "id"), system: system === true };
}

function numberAt(value: unknown, field: string): number {
  const found: unknown =
    typeof value === "object" && value !== null && Object.hasOwn(value, field) ? Reflect.get(value, field) : undefined;
  if (typeof found !== "number" || !Number.isSafeInteger(found)) throw malformed(`what should have a ${field}`);
  return found;
}

function malformed(what: string): KubefileError {
  return new KubefileError("PLATFORM", `GitLab answered with something else than ${what}`, {
    hint: "CI_API_V4_URL must be the address of GitLab's API, and no proxy may answer in its place",
  });
}
