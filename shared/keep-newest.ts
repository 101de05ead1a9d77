/** Puts an entry last into a map that holds the `limit` used last; the one not used for longest goes. */
export function keepNewest<K, V>(map: Map<K, V>, key: K, value: V, limit: number): V {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > limit && oldest !== undefined) map.delete(oldest)
  return value
}
