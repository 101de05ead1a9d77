/** What was put in or asked for last, by key. */
export interface Newest<K, V> {
  get(key: K): V | undefined
  /** Puts it in, and gives it back. */
  keep(key: K, value: V): V
}

/**
 * Holds at most `limit` entries, of them at least the half of it that was used last. Two maps that take turns:
 * to take the oldest entry out of one map is slow in V8, which walks over all that have been taken out before.
 */
export function createNewest<K, V>(limit: number): Newest<K, V> {
  const half = Math.max(1, Math.floor(limit / 2))
  let young = new Map<K, V>()
  let old = new Map<K, V>()

  function keep(key: K, value: V): V {
    if (young.size >= half && !young.has(key)) {
      old = young
      young = new Map()
    }
    young.set(key, value)
    return value
  }

  return {
    get(key) {
      const value = young.get(key)
      if (value !== undefined) return value
      const older = old.get(key)
      return older === undefined ? undefined : keep(key, older)
    },
    keep,
  }
}
