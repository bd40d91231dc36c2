export type Architecture = "amd64" | "arm64";

/** Waits for signals for ever: pause(2) in a loop; arm64 has only ppoll(2) without file descriptors. */
const machineCode: Record<Architecture, { readonly machine: number; readonly code: readonly number[] }> = {
  amd64: {
    machine: 62,
    code: [
      ...[0xb8, 0x22, 0x00, 0x00, 0x00], // mov eax, 34 (pause)
      ...[0x0f, 0x05], // syscall
      ...[0xeb, 0xf7], // jmp to the start
    ],
  },
  arm64: {
    machine: 183,
    code: [
      0xd2800000, // mov x0, 0 (no descriptors)
      0xd2800001, // mov x1, 0
      0xd2800002, // mov x2, 0 (no time limit)
      0xd2800003, // mov x3, 0 (signal mask unchanged)
      0xd2800928, // mov x8, 73 (ppoll)
      0xd4000001, // svc 0
      0x17fffffa, // b to the start
    ].flatMap((word) => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24]),
  },
};

/**
 * A Linux program that does nothing until it is killed, put together byte by byte: the same on every machine whatever
 * compilers it has, so an image made of it has a digest that manifests can name.
 */
export function waitingProgram(architecture: Architecture): Buffer {
  const { machine, code } = machineCode[architecture];
  const loadAddress = 0x400000n;
  const headerSize = 64;
  const programHeaderSize = 56;
  const size = headerSize + programHeaderSize + code.length;
  const file = Buffer.alloc(size);

  // ELF header: 64 bits, little-endian, System V, executable
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(file);
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(loadAddress + BigInt(headerSize + programHeaderSize), 24);
  file.writeBigUInt64LE(BigInt(headerSize), 32);
  file.writeUInt16LE(headerSize, 52);
  file.writeUInt16LE(programHeaderSize, 54);
  file.writeUInt16LE(1, 56);

  // One segment: the whole file, to be read and executed
  file.writeUInt32LE(1, headerSize);
  file.writeUInt32LE(5, headerSize + 4);
  file.writeBigUInt64LE(loadAddress, headerSize + 16);
  file.writeBigUInt64LE(loadAddress, headerSize + 24);
  file.writeBigUInt64LE(BigInt(size), headerSize + 32);
  file.writeBigUInt64LE(BigInt(size), headerSize + 40);
  file.writeBigUInt64LE(0x1000n, headerSize + 48);

  Buffer.from(code).copy(file, headerSize + programHeaderSize);
  return file;
}
