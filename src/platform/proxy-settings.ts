import type { ProxySettings } from "../registry/dialer.ts";
import type { Environment } from "./platform.ts";

/** Corporate proxies, as the variables say in either case. */
export function proxySettings(env: Environment): ProxySettings {
  const either = (name: string): string | undefined => env[name] || env[name.toLowerCase()];
  const [http, https, noProxy] = [either("HTTP_PROXY"), either("HTTPS_PROXY"), either("NO_PROXY")];
  return {
    ...(http === undefined ? {} : { http }),
    ...(https === undefined ? {} : { https }),
    ...(noProxy === undefined ? {} : { noProxy }),
  };
}
