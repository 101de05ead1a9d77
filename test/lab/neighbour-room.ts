import { readFile, writeFile } from 'node:fs/promises'

/** The README's settings, in the order in which they may be raised. */
const ROOM = [
  { path: '/proc/sys/net/ipv6/neigh/default/gc_thresh3', least: 8192 },
  { path: '/proc/sys/net/ipv6/neigh/default/gc_thresh2', least: 4096 },
] as const

/**
 * Does something with room for all neighbours, and takes the room away again. The kernel has one table of
 * 1024 for all network namespaces: a home with 50 containers in several prefixes fills it, as its router
 * and its server share the machine here.
 */
export async function withNeighbourRoom<T>(work: () => Promise<T>): Promise<T> {
  const raised: { readonly path: string; readonly before: string }[] = []
  try {
    for (const { path, least } of ROOM) {
      const before = await readFile(path, 'utf8')
      if (Number(before) >= least) continue
      await writeFile(path, String(least))
      raised.push({ path, before })
    }
    return await work()
  } finally {
    for (const { path, before } of raised.reverse()) await writeFile(path, before)
  }
}
