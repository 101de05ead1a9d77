/** One line of a program's JSON log that tells of something that happened. */
export interface ProgramEvent {
  /** What happened, for example `renumber` or `receipt`. */
  readonly event: string
  /** When, in milliseconds since the epoch. */
  readonly time: number
  readonly fields: Readonly<Record<string, unknown>>
}

/** Decodes a line of a JSON log; `undefined` for lines without an `event`. */
export function parseProgramEvent(line: string): ProgramEvent | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined // a plain line, for example of Node itself
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { event, time, ...fields } = value as Record<string, unknown>
  if (typeof event !== 'string') return undefined
  const at = typeof time === 'number' ? time : Date.parse(String(time))
  return { event, time: Number.isNaN(at) ? Date.now() : at, fields }
}
