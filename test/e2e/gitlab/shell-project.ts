import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type FakeGitLab, startFakeGitLab } from "../../support/fake-gitlab.ts";
import { type GitLabProject, gitlabProject, type PipelineResult } from "../../support/gitlab-pipeline.ts";
import { jobVariables } from "../../support/gitlab-variables.ts";
import { processesOf } from "../../support/home-processes.ts";
import { type CommandHome, commandHome, leftovers } from "../../support/kubefile-command.ts";
import { startTokenAuthRegistry, type TokenAuthRegistry } from "../../support/token-auth-registry.ts";
import { startTinyApp, type TinyApp, tinyImage } from "../cleanup/tiny-app.ts";
import { podManifest } from "../shop/context.ts";

/** A project with a tiny application, a shell runner on this machine, a registry behind a token service, and its GitLab. */
export interface ShellProject {
  readonly home: CommandHome;
  readonly registry: TokenAuthRegistry;
  readonly gitlab: FakeGitLab;
  /** The work tree. */
  readonly directory: string;
  /** What it begins with: files of the application, and their commit. */
  readonly first: { readonly commit: string; readonly files: Readonly<Record<string, string>> };
  commit: GitLabProject["commit"];
  /** Runs the pipeline of one component; the inputs that this machine needs are given. */
  run(
    component: string,
    pipeline?: {
      readonly inputs?: Readonly<Record<string, string | boolean>>;
      readonly variables?: Readonly<Record<string, string>>;
      readonly without?: readonly string[];
      readonly job?: string;
    },
  ): Promise<PipelineResult>;
  /** The tags of the application's repository, with the digests they stand for. */
  tags(): Promise<Readonly<Record<string, string>>>;
  /** The tags of its cache. */
  records(): Promise<readonly string[]>;
  /** Tells which manifests were written into it so far, in order, by their names. */
  written(): readonly string[];
  /** Puts what a build came to into its cache, as the job of a change does. */
  keepRecord(prefix: string): Promise<void>;
  /** The runs that are open at the moment. */
  runs(): Promise<readonly string[]>;
  /** What all jobs so far have left: in the engine, in their home, and processes. */
  left(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

const path = "shop/tiny";
const user = { username: "gitlab-ci-token", password: "canary-5ec4e7", repositories: [path, `${path}/cache`] };

/** @param declared operations of GitLab's API that the jobs say they need */
export async function shellProject(declared: readonly string[]): Promise<ShellProject> {
  const home = await commandHome();
  const app = await startTinyApp(home.directory);
  const registry = await startTokenAuthRegistry({ users: [user], publicRepositories: [path, `${path}/cache`] });
  const gitlab = await startFakeGitLab({
    ...{ project: "41", mergeRequest: 12, declared },
    tokens: {
      "glpat-robot": { kind: "access", user: { id: 7, username: "project_41_bot" }, scopes: ["api"] },
      "job-token": { kind: "job" },
    },
  });
  const directory = join(home.directory, "project");
  await mkdir(directory);
  const project = await gitlabProject(directory, home.environment);
  const files = {
    Kubefile: "FROM scratch\nCOPY manifests manifests/\nCMD kubectl apply -f manifests/pod.yaml\n",
    "manifests/pod.yaml": podManifest("tiny", tinyImage),
  };
  const first = { files, commit: project.commit("application", files) };
  let head = first.commit;
  const ofGitLab = jobVariables({ api: gitlab.api, registry: registry.host, path, password: user.password });
  const ofMachine = {
    ...{ mirrors: `docker.io=${app.registry.url}`, insecure: registry.host },
    ...{ "quiet-window": "2s", store: home.store, executor: "shell" },
  };
  const { executor, insecure, mirrors } = ofMachine;
  const ofCleaning = { executor, insecure, mirrors };
  const runIds = new Set<string>();
  return {
    ...{ home, registry, gitlab, directory, first },
    commit(message, changed) {
      head = project.commit(message, changed);
      return head;
    },
    async run(name, { inputs, variables, ...rest } = {}) {
      const request = variables?.CI_MERGE_REQUEST_IID;
      gitlab.pipelines.set(900, {
        sha: head,
        ref: request === undefined ? "main" : `refs/merge-requests/${request}/head`,
      });
      const pipeline = project.run({
        components: [{ name, inputs: { ...(name === "clean" ? ofCleaning : ofMachine), ...inputs } }],
        variables: {
          ...{ ...ofGitLab, CI_PIPELINE_ID: "900" },
          ...{ KUBEFILE_GITLAB_TOKEN: "glpat-robot", CI_JOB_TOKEN: "job-token", ...variables },
        },
        ...rest,
      });
      return await watchingRuns(join(home.state, "runs"), runIds, pipeline);
    },
    tags: () => tagsOf(registry),
    records: () => tagNames(registry, `${path}/cache`),
    written: () =>
      registry.log.flatMap((line) => new RegExp(`PUT /v2/${path}/manifests/(\\S+) HTTP`).exec(line)?.[1] ?? []),
    async keepRecord(prefix) {
      const cache = `type=registry,ref=${registry.host}/${path}/cache,prefix=${prefix}`;
      const flags = [
        "--capture",
        "static",
        "--insecure",
        insecure,
        "--mirror",
        mirrors,
        "--no-cache",
        "--cache-to",
        cache,
      ];
      const built = await home.kubefile(["build", "--store", home.store, ...flags, directory], { env: ofGitLab });
      if (built.exitCode !== 0) throw new Error(built.stderr);
    },
    async runs() {
      const open = await openRuns(join(home.state, "runs"));
      for (const run of open) runIds.add(run);
      return open;
    },
    async left() {
      const processes = (await processesOf(home)).map(({ pid, command }) => `process ${pid} ${command}`);
      return [...(await leftovers(home, [...runIds])), ...processes];
    },
    stop: () => stopAll(home, [app, registry, { stop: gitlab.close }]),
  };
}

/** Notes the names of runs while something goes on. */
async function watchingRuns<Result>(directory: string, runIds: Set<string>, work: Promise<Result>): Promise<Result> {
  const ended = work.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([ended, sleep(100, false)]))) {
    for (const run of await openRuns(directory)) runIds.add(run);
  }
  return await work;
}

async function openRuns(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch((): string[] => []);
  return names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length));
}

async function stopAll(home: CommandHome, servers: readonly Pick<TinyApp, "stop">[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
  await home.remove();
}

async function tagsOf(registry: TokenAuthRegistry): Promise<Readonly<Record<string, string>>> {
  const headers = await authorization(registry, path);
  const digests = (await tagNames(registry, path)).map(async (name) => {
    const accept = "application/vnd.oci.image.manifest.v1+json";
    const answer = await fetch(`${registry.url}/v2/${path}/manifests/${name}`, { headers: { ...headers, accept } });
    await answer.arrayBuffer();
    return [name, answer.headers.get("docker-content-digest") ?? ""] as const;
  });
  return Object.fromEntries(await Promise.all(digests));
}

async function tagNames(registry: TokenAuthRegistry, repository: string): Promise<readonly string[]> {
  const headers = await authorization(registry, repository);
  const { tags } = await fetchJson(`${registry.url}/v2/${repository}/tags/list`, headers);
  return Array.isArray(tags) ? tags.map(String).sort() : [];
}

async function authorization(registry: TokenAuthRegistry, repository: string): Promise<Record<string, string>> {
  const { token } = await fetchJson(`${registry.tokens.url}/token?scope=repository:${repository}:pull`, {});
  return { authorization: `Bearer ${String(token)}` };
}

async function fetchJson(url: string, headers: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
  const content: unknown = await (await fetch(url, { headers })).json();
  return { ...(typeof content === "object" ? content : {}) };
}
