import { formatRepository, isTag, type Repository } from "../oci/reference.ts";
import { readBody } from "./answer-body.ts";
import { repositoryUrl } from "./endpoint.ts";
import type { Exchange, ExchangeRequest } from "./exchange.ts";
import { type Answer, header } from "./transport.ts";
import type { RequestOptions } from "./types.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

const PAGE_SIZE = 1_000;
const MAX_PAGES = 1_000;
const MAX_TAGS = 100_000;
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

/**
 * All tags of a repository (distribution-spec, "Listing Tags"), page after page.
 *
 * @throws RegistryError, also 502 for a list without end
 */
export async function listTags(
  exchange: Exchange,
  repository: Repository,
  options: RequestOptions,
): Promise<readonly string[]> {
  const tags = new Set<string>();
  const seen = new Set<string>();
  const endpoint = exchange.endpoint(repository);
  let next: URL | undefined = repositoryUrl(endpoint, repository, `tags/list?n=${PAGE_SIZE}`);
  while (next !== undefined) {
    if (seen.has(next.href) || seen.size >= MAX_PAGES || tags.size > MAX_TAGS) {
      throw new UpstreamFailure(502, "UNKNOWN", `registry ${repository.host} lists tags without end`);
    }
    seen.add(next.href);
    const request: ExchangeRequest = {
      repository,
      method: "GET",
      target: next,
      doing: `the tags of ${formatRepository(repository)}`,
      unknown: "NAME_UNKNOWN",
      options,
    };
    next = await exchange.ask(request, async (answer) => {
      if (answer.status !== 200) throw await exchange.failure(request, answer);
      for (const tag of readTags(await readBody(answer, MAX_PAGE_BYTES), repository)) tags.add(tag);
      return nextPage(answer, endpoint.base);
    });
  }
  return [...tags];
}

function readTags(bytes: Buffer, repository: Repository): string[] {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch {
    json = undefined;
  }
  if (typeof json !== "object" || json === null || !("tags" in json)) {
    throw new UpstreamFailure(502, "UNKNOWN", `registry ${repository.host} sent a tag list that is none`);
  }
  // An empty repository has null.
  const listed: readonly unknown[] = Array.isArray(json.tags) ? json.tags : [];
  return listed.filter((tag) => typeof tag === "string").filter(isTag);
}

/** The target of `Link: <...>; rel="next"` (RFC 8288), always asked of the registry itself, whatever host it names. */
function nextPage(answer: Answer, base: URL): URL | undefined {
  const target = /<([^>]{1,4096})>\s*;[^,]*\brel="?next"?/i.exec(header(answer, "link") ?? "")?.[1];
  if (target === undefined || !URL.canParse(target, answer.url.href)) return undefined;
  const { pathname, search } = new URL(target, answer.url);
  const next = new URL(base);
  next.pathname = pathname;
  next.search = search;
  return next;
}
