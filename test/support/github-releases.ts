import { type GitHubAnswer, type GitHubCall, type GitHubServer, startGitHubServer } from "./github/server.ts";

export interface FakeRelease {
  readonly id: number;
  readonly tag: string;
  name: string;
  body: string;
  draft: boolean;
  prerelease: boolean;
  /** Name and bytes of each file, in the order in which they came. */
  readonly files: Map<string, Buffer>;
}

export interface FakeReleases extends GitHubServer {
  readonly releases: FakeRelease[];
  /** What `upload_url` says; the server itself when absent. */
  uploads: string | undefined;
}

/** Characters of a release's notes. */
const LONGEST_NOTES = 125_000;

/** GitHub's releases of the repository shop/app, for a job's token with some permission on contents. */
export async function startFakeReleases(contents: "read" | "write"): Promise<FakeReleases> {
  const assetIds = new Map<number, readonly [FakeRelease, string]>();
  const github = await startGitHubServer({ contents }, perform);
  const fake: FakeReleases = Object.assign(github, { releases: [], uploads: undefined });
  return fake;

  function perform({ operation, path, query, body, bytes, headers }: GitHubCall): GitHubAnswer | undefined {
    if (path.owner !== "shop" || path.repo !== "app") return undefined;
    const found = fake.releases.find(({ id }) => String(id) === path.release_id);
    if (String(body.body ?? "").length > LONGEST_NOTES) return { status: 422, body: { message: "body is too long" } };
    switch (operation) {
      case "repos/list-releases":
        return { status: 200, body: fake.releases.map(shown) };
      case "repos/create-release": {
        const given = { name: "", body: "", draft: false, prerelease: false, ...factsOf(body) };
        const made = { ...given, id: fake.releases.length + 1, tag: String(body.tag_name), files: new Map() };
        fake.releases.unshift(made);
        return { status: 201, body: shown(made) };
      }
      case "repos/update-release":
        if (found === undefined) return undefined;
        Object.assign(found, factsOf(body));
        return { status: 200, body: shown(found) };
      case "repos/delete-release-asset": {
        const [owner, file = ""] = assetIds.get(Number(path.asset_id)) ?? [];
        return owner?.files.delete(file) === true ? { status: 204 } : undefined;
      }
      case "repos/upload-release-asset": {
        const { name = "" } = query;
        if (found === undefined || headers["content-length"] !== String(bytes.byteLength)) return undefined;
        if (found.files.has(name)) return { status: 422, body: { message: "already_exists" } };
        found.files.set(name, bytes);
        return { status: 201, body: { name, size: bytes.byteLength } };
      }
      default:
        return undefined;
    }
  }

  function shown(release: FakeRelease): unknown {
    const { tag, files, ...facts } = release;
    const assets = [...files.keys()].map((name) => {
      const known = [...assetIds].find(([, [owner, file]]) => owner === release && file === name)?.[0];
      const id = known ?? 100 + assetIds.size;
      assetIds.set(id, [release, name]);
      return { id, name };
    });
    const upload_url = `${fake.uploads ?? github.url}/repos/shop/app/releases/${facts.id}/assets{?name,label}`;
    return { ...facts, tag_name: tag, assets, upload_url, html_url: `https://gh.example/${tag}` };
  }
}

/** What of a request becomes part of a release. */
function factsOf(body: Readonly<Record<string, unknown>>): Partial<FakeRelease> {
  const { name, body: notes, draft, prerelease } = body;
  return {
    ...(typeof name === "string" ? { name } : {}),
    ...(typeof notes === "string" ? { body: notes } : {}),
    ...(typeof draft === "boolean" ? { draft } : {}),
    ...(typeof prerelease === "boolean" ? { prerelease } : {}),
  };
}
