// Passes TCP connections on, so that nodes reach registries that listen on loopback. Usage: bench-forward ADDRESS
// Reads NAME=http://HOST:PORT a line; prints `NAME ADDRESS:PORT` a line, and goes on until it is ended.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

const address = process.argv[2];

for await (const line of createInterface({ input: process.stdin })) {
  const [name, url] = line.split("=");
  const { hostname, port } = new URL(url);
  const server = createServer((client) => {
    const upstream = connect({ host: hostname, port: Number(port) });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ]) {
      from.pipe(to);
      from.on("error", () => to.destroy());
    }
  });
  server.listen(0, address);
  await once(server, "listening");
  console.log(`${name} ${address}:${server.address().port}`);
}
