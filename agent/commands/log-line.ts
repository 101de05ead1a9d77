import * as v from 'valibot'

const lineSchema = v.object({ level: v.number(), time: v.string(), msg: v.string() })

function nameOf(level: number): string {
  if (level >= 50) return 'ERROR'
  if (level >= 40) return 'warn '
  return level >= 30 ? 'info ' : 'debug'
}

/** One JSON log line as a line for people; anything else is given back as it is. */
export function renderLogLine(json: string): string {
  try {
    const { level, time, msg } = v.parse(lineSchema, JSON.parse(json))
    return `${time} ${nameOf(level)} ${msg}`
  } catch {
    return json.trimEnd()
  }
}
