/** The bytes of a stream; undefined, and the stream ended, as soon as there are more than `limit`. */
export async function readAtMost(chunks: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer | undefined> {
  const read: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > limit) return undefined;
    read.push(chunk);
  }
  return Buffer.concat(read);
}
