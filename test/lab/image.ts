import { readFile } from 'node:fs/promises'
import { programPath } from './packages.ts'

const BLOCK = 512
const APPLETS = ['sh', 'httpd', 'nc', 'cat', 'ip', 'wget']

/** One entry of a tar archive; names of directories end in a slash. */
export interface TarEntry {
  readonly name: string
  readonly mode: number
  readonly type: '0' | '2' | '5'
  readonly link?: string
  readonly content?: Buffer
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`
}

/** One POSIX ustar entry: header, content, padding. */
function renderEntry({ name, mode, type, link = '', content = Buffer.alloc(0) }: TarEntry): Buffer {
  const header = Buffer.alloc(BLOCK)
  header.write(name, 0)
  header.write(octal(mode, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(content.length, 12), 124)
  header.write(octal(0, 12), 136)
  header.write(' '.repeat(8), 148)
  header.write(type, 156)
  header.write(link, 157)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)
  return Buffer.concat([header, content, padding])
}

/** A POSIX ustar archive of these entries, all owned by root, at the beginning of time. */
export function renderTar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(renderEntry), Buffer.alloc(2 * BLOCK)])
}

/** The file system of the lab's image as a tar archive: a static busybox and links to it. */
export async function renderImage(): Promise<Buffer> {
  const busybox = await readFile(programPath('busybox'))
  const entries: TarEntry[] = [
    ...['bin/', 'tmp/', 'www/'].map((name): TarEntry => ({ name, mode: 0o755, type: '5' })),
    { name: 'bin/busybox', mode: 0o755, type: '0', content: busybox },
    ...APPLETS.map(
      (name): TarEntry => ({ name: `bin/${name}`, mode: 0o777, type: '2', link: 'busybox' }),
    ),
  ]
  return renderTar(entries)
}

/** The page that a container serves: it names the container. */
export function pageOf(container: string): string {
  return `<p>This is ${container}.</p>`
}

/** What a container runs: an echo service on port 7 and the page on port 80, for both families. */
export function containerCommand(container: string): readonly string[] {
  const script = `echo '${pageOf(container)}' >/www/index.html
nc -ll -p 7 -e cat &
exec httpd -f -p '[::]:80' -h /www`
  return ['/bin/sh', '-c', script]
}
