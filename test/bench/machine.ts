import { cpus, loadavg, totalmem } from "node:os";

/** What figures were measured on, in one line. */
export function machine(): string {
  const [processor] = cpus();
  const memory = Math.round(totalmem() / 1024 ** 3);
  return [
    `${cpus().length} processors (${processor?.model.trim() ?? "unknown"})`,
    `${memory} GiB of memory`,
    `Node ${process.version}`,
    `load ${loadavg()[0]?.toFixed(1)}`,
    new Date().toISOString().slice(0, 10),
  ].join(", ");
}
