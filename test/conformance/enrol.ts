import { parsePrefix } from '../../shared/ipv6.ts'
import { parseName } from '../../shared/rrset.ts'
import { type ConformingAgent, prepareEnrolment } from './agent.ts'
import { ADMIN_TOKEN } from './running-cloud.ts'

/** Takes a body, gives what was answered; anything but success is an error. */
export type Post = (
  path: string,
  body: string,
  headers: Readonly<Record<string, string>>,
) => Promise<unknown>

export const JOSE = { 'content-type': 'application/jose' } as const
const OPERATOR = {
  authorization: `Bearer ${ADMIN_TOKEN}`,
  'content-type': 'application/json',
} as const

/** Posts to a cloud over HTTP. */
export function postTo(url: string): Post {
  return async (path, body, headers) => {
    const answer = await fetch(`${url}${path}`, { method: 'POST', body, headers })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`)
    return JSON.parse(text)
  }
}

/** Adds a host that may claim `HOST.example.test`, as often as it likes, and enrols a key for it. */
export async function enrol(post: Post, host: string): Promise<ConformingAgent> {
  const names = [`${host}.example.test`]
  const policy = { names, prefixes: ['2001:db8::/32'], reportsPerHour: 100_000 }
  const added = await post('/v1/admin/hosts', JSON.stringify({ host, policy }), OPERATOR)
  const { jws, agent } = await prepareEnrolment(host, String(Object(added).join))
  await post('/v1/enroll', jws, JOSE)
  return agent
}

/** A report of a host whose one name has moved to the prefix with this number, from 1 to ffff. */
export function movedTo(agent: ConformingAgent, move: number) {
  const prefix = `2001:db8:${move.toString(16)}::`
  const name = parseName(`${agent.host}.example.test`)
  return agent.reportOf({
    prefix: { current: parsePrefix(`${prefix}/64`), cause: 'flash' },
    records: [{ name, type: 'AAAA', values: [`${prefix}1`] }],
  })
}
