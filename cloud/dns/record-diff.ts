/** A record as it was found, for services that give every value an id. */
export interface StoredRecord {
  /** Canonical. */
  readonly value: string
  /** Seconds; undefined where the service decides by itself. */
  readonly ttl: number | undefined
}

/** The calls that turn the records of one RRset into what they shall be. */
export interface RecordPlan<R> {
  readonly creates: readonly { readonly value: string }[]
  /** Records that stay under their id with another value or TTL, and with all else that they hold. */
  readonly updates: readonly { readonly record: R; readonly value: string }[]
  readonly deletes: readonly R[]
}

/**
 * Plans the least calls: a record that holds a wanted value stays, one that is left over takes the
 * next missing value, and only then records are created or deleted. Carried out in the order
 * creates, updates, deletes, no step leaves a name empty that had values and shall have some.
 */
export function planRecords<R extends StoredRecord>(
  found: readonly R[],
  wanted: { readonly ttl: number; readonly values: readonly string[] } | null,
): RecordPlan<R> {
  const values = wanted?.values ?? []
  const kept = new Map<string, R>()
  const spare: R[] = []
  // Of two with one value, the one whose TTL is right already.
  const [timed, others] = [true, false].map((isTimed) =>
    found.filter(({ ttl }) => (ttl === wanted?.ttl) === isTimed),
  )
  for (const record of [...(timed ?? []), ...(others ?? [])]) {
    if (values.includes(record.value) && !kept.has(record.value)) kept.set(record.value, record)
    else spare.push(record)
  }
  const missing = values.filter((value) => !kept.has(value))
  const reused = spare.slice(0, missing.length)
  const retimed = [...kept.values()].filter(
    ({ ttl }) => ttl !== undefined && wanted !== null && ttl !== wanted.ttl,
  )
  return {
    creates: missing.slice(reused.length).map((value) => ({ value })),
    updates: [
      ...reused.map((record, index) => ({ record, value: missing[index] ?? record.value })),
      ...retimed.map((record) => ({ record, value: record.value })),
    ],
    deletes: spare.slice(reused.length),
  }
}
