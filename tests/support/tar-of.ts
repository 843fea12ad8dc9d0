/** A tar archive of small files, by path. */
export const tarOf = (entries: Readonly<Record<string, Uint8Array>>): Buffer =>
  Buffer.concat([
    ...Object.entries(entries).flatMap(([path, bytes]) => {
      const head = Buffer.alloc(512);
      head.write(path, 0);
      head.write(bytes.length.toString(8).padStart(11, '0'), 124);
      head.write('0', 156);
      head.write('ustar\0', 257);
      return [head, bytes, Buffer.alloc(-bytes.length & 511)];
    }),
    Buffer.alloc(1024),
  ]);
