import type { Home } from './home.ts'

/** What of a report in the audit log matters to tests. */
export interface LoggedReport {
  readonly prefix: { readonly current: string }
  readonly records: readonly unknown[]
}

/** The reports of the host, in the order of the audit log. */
export async function reports({ cloud }: Home): Promise<readonly LoggedReport[]> {
  const { stdout } = await cloud.operate(['audit', 'log', '--json'])
  const entries = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).entry)
  return entries
    .filter(({ kind }) => kind === 'report')
    .map(({ jws }) => Buffer.from(jws.split('.')[1], 'base64url').toString())
    .map((payload) => JSON.parse(payload))
}

/** The prefixes that the host has reported, in the order of the audit log, without repetitions. */
export async function reportedPrefixes(home: Home): Promise<readonly string[]> {
  const prefixes = (await reports(home)).map(({ prefix }) => prefix.current)
  return prefixes.filter((prefix, index) => prefix !== prefixes[index - 1])
}
