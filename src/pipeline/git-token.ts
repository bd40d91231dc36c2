/** The id of the secret that is a host's token, as Docker has it. */
export function tokenSecret(url: string): string {
  return `GIT_AUTH_TOKEN.${new URL(url).hostname}`;
}
