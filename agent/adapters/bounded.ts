/**
 * Maps in parallel, but never more than `limit` at a time; keeps the order. After a fault nothing more is
 * begun, what is under way is waited for, and then the first fault is thrown.
 */
export async function mapBounded<A, B>(
  items: readonly A[],
  limit: number,
  map: (item: A) => Promise<B>,
): Promise<readonly B[]> {
  const results: B[] = []
  const faults: unknown[] = []
  const pending = items.entries()
  async function work(): Promise<void> {
    for (const [index, item] of pending) {
      if (faults.length > 0) return
      try {
        results[index] = await map(item)
      } catch (fault) {
        faults.push(fault)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work))
  if (faults.length > 0) throw faults[0]
  return results
}
