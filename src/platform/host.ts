import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { engineEnvironment } from "../cluster/engine.ts";
import { runMark, runVariable } from "../cluster/run-labels.ts";
import { errorMessage, KubefileError } from "../error.ts";
import { canonicalHost } from "../oci/reference.ts";
import type { Host } from "../pipeline/host.ts";
import { createProgress } from "../pipeline/progress.ts";
import { ownIdentity } from "../process/process-identity.ts";
import { createRegistryClient } from "../registry/client.ts";
import { combineCredentials } from "../registry/credentials.ts";
import { createDialer } from "../registry/dialer.ts";
import { pullSecretCredentials } from "../registry/pull-secrets.ts";
import { credentialForms, Redactor, writtenForms } from "../registry/secret.ts";
import type { HostFlags } from "./build-inputs.ts";
import { type CommandContext, directories, newRunId, newRunToken } from "./context.ts";
import { ownGitEnvironment } from "./git-environment.ts";
import { githubCache } from "./github-cache.ts";
import { githubTokens } from "./github-tokens.ts";
import { jobSecrets } from "./gitlab-credentials.ts";
import { parseInsecure, parseMirrors } from "./input-values.ts";
import { chooseProgressStyle, createRenderer } from "./progress-style.ts";
import { proxySettings } from "./proxy-settings.ts";
import { runCredentials } from "./run-credentials.ts";
import { packageVersion } from "./version.ts";

/** Milliseconds until a connection to the cache service stands, and without a byte of an answer. */
const cacheTimes = { connectTimeout: 10_000, idleTimeout: 30_000 } as const;

export interface OpenHost extends Host, AsyncDisposable {
  /** Ends the progress display; call it before printing a result. */
  endProgress(): void;
}

/** Puts together what a run needs of this process: directories, credentials, registry client, progress. */
export async function openHost(
  context: CommandContext,
  flags: HostFlags,
  runId: string = newRunId(),
): Promise<OpenHost> {
  if (context.env.NODE_TLS_REJECT_UNAUTHORIZED === "0") {
    throw new KubefileError("USAGE", "NODE_TLS_REJECT_UNAUTHORIZED=0 would let anybody play a registry", {
      hint: "unset it; trust a registry's own authority with NODE_EXTRA_CA_CERTS, or name a plain one with --insecure",
    });
  }
  const { env, signal, stderr } = context;
  const now = (): number => performance.now();
  const asked = flags.progress ?? "auto";
  const style = chooseProgressStyle(asked, stderr.isTTY === true && env.CI === undefined && env.TERM !== "dumb");
  const folding = asked === "auto" ? context.platform.renderer(now) : undefined;
  const renderer = folding ?? createRenderer(style, stderr, now);
  const progress = createProgress((event) => renderer.render(event), now);
  const warn = (problem: unknown): void => progress.note("warning", errorMessage(problem));

  const owner = await ownIdentity();
  const runToken = newRunToken();
  const redactor = new Redactor();
  redactor.add(runToken);
  const credentials = await runCredentials({ env, signal, onProblem: warn });
  const pullSecrets = pullSecretCredentials();
  for (const credential of [...credentials.stored, ...credentials.handed]) redactor.addCredential(credential);
  for (const form of credentials.handed.flatMap(credentialForms).flatMap(writtenForms)) context.platform.mask(form);
  for (const secret of [...jobSecrets(env), ...githubTokens(env)]) redactor.add(secret);
  const named = new Set(credentials.hosts.map(canonicalHost));
  const client = createRegistryClient({
    credentials: combineCredentials(credentials, pullSecrets),
    mirrors: parseMirrors(flags.mirror ?? []),
    insecure: parseInsecure(flags.insecure ?? []),
    trustedHosts: (host) => named.has(host) || pullSecrets.hosts().includes(host),
    userAgent: `kubefile/${packageVersion()}`,
    redactor,
    proxy: proxySettings(env),
    signal,
  });
  const git = ownGitEnvironment(env);
  const { failures, ...shared } = directories(context, flags.store);
  const dialer = createDialer({ ...cacheTimes, proxy: proxySettings(env) });
  const gha = githubCache(env, dialer, `kubefile/${packageVersion()}`);
  if (gha !== undefined) redactor.add(gha.token.reveal());
  const onInterruption = (): void => progress.note("info", "stopping, and removing what this run has made");
  const onRepetition = (): void =>
    progress.note("info", "still removing; should you force an end, `kubefile clean` does the rest");
  signal.addEventListener("abort", onInterruption, { once: true });
  context.repeated.addEventListener("abort", onRepetition, { once: true });
  return {
    engineEnvironment: { ...engineEnvironment(env), [runVariable]: runMark(runId, owner) },
    directories: { ...shared, failure: join(failures, runId) },
    searchPath: [env.KUBEFILE_TOOLS, env.PATH].filter(Boolean).join(":"),
    client,
    gitEnvironment: git.get,
    gha,
    addPullSecret({ namespace, name, dockerConfigJson }) {
      try {
        const secret = { namespace, name, type: "kubernetes.io/dockerconfigjson", payload: dockerConfigJson } as const;
        for (const credential of pullSecrets.addSecret(secret)) redactor.addCredential(credential);
      } catch (error) {
        // A kubelet passes a malformed secret over, too; the pull that needed it says what it lacks.
        warn(error);
      }
    },
    pullSecretsFor: pullSecrets.names,
    trustRegistry: (host) => named.add(canonicalHost(host)),
    progress,
    signal,
    now,
    runId,
    runToken,
    owner,
    addSecret: (text) => {
      redactor.add(text);
      context.platform.mask(text);
    },
    redact: (text) => redactor.redact(text),
    endProgress: () => renderer.close(),
    async [Symbol.asyncDispose]() {
      signal.removeEventListener("abort", onInterruption);
      context.repeated.removeEventListener("abort", onRepetition);
      renderer.close();
      await Promise.all([client.close(), dialer.close(), git.dispose()]);
    },
  };
}
