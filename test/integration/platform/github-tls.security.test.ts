import { expect, onTestFinished, test } from "vitest";
import { openGitHubApi } from "../../../src/platform/github-api.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { sendJson, startHttpFixture } from "../../support/http-fixture.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();

// `kubefile note` needs no registry, and so nothing that refuses to run where this is set.
test("no stranger gets the token for being on the way, even where the environment trusts everybody", async () => {
  const { certificate: cert, key } = await makeCertificate(await temporaryDirectory(), ["api.github.example"]);
  const stranger = await startHttpFixture((_request, response) => sendJson(response, 200, {}), { cert, key });
  onTestFinished(() => stranger.close());
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  onTestFinished(() => void delete process.env.NODE_TLS_REJECT_UNAUTHORIZED);
  const { signal } = new AbortController();
  await using api = openGitHubApi({ server: stranger.url, token: "ghs_secret", proxy: {}, signal, backoff: 1 });
  await expect(api.send({ method: "GET", path: "/user" })).rejects.toMatchObject({
    code: "PLATFORM",
    message: expect.stringContaining("self-signed certificate"),
  });
  expect(stranger.requests).toEqual([]);
});
