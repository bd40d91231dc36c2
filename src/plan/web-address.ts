import { KubefileError, type Location } from "../error.ts";

/** @throws KubefileError KUBEFILE_INVALID for what is no address without credentials */
export function webAddress(text: string, where: Location): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new KubefileError("KUBEFILE_INVALID", `${JSON.stringify(text)} is no address`, {
      where,
      hint: "write https://HOST/PATH",
    });
  }
  if (url.username === "" && url.password === "") return url.href;
  throw new KubefileError("KUBEFILE_INVALID", `an address of ${url.host} holds a name or a password`, {
    where,
    hint: "it would stand in logs and in every copy of the Kubefile: take it out",
  });
}
