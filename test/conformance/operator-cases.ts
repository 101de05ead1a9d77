import { expect, it } from 'vitest'
import { verifyLog } from '../../cloud/log/verify-log.ts'
import type { Client, World } from './client.ts'
import { ADMIN_TOKEN } from './running-cloud.ts'

/** What the operator sees of it: health, hosts, DNS, the two logs. */
export function describeOperator({ ask, operate, addAgent }: Client, world: () => World): void {
  it('is alive and ready', async () => {
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await ask('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } })
  })

  it('shows hosts to the operator alone', async () => {
    await addAgent('shown')
    const denied = await ask('/v1/admin/hosts')
    expect(denied).toMatchObject({ status: 401, body: { code: 'UNAUTHORIZED' } })
    expect(denied.headers.get('www-authenticate')).toBe('Bearer')
    const { body } = await operate('/v1/admin/hosts/shown', 'GET')
    expect(body).toMatchObject({ host: 'shown', status: 'active' })
    const changed = await operate('/v1/admin/hosts/shown', 'PATCH', { reportsPerHour: 7 })
    expect(changed.body).toMatchObject({ policy: { reportsPerHour: 7 } })
  })

  it('says what DNS would be changed', async () => {
    const { status, body } = await operate('/v1/admin/dns/plan', 'GET')
    expect(status).toBe(200)
    expect(body.zones).toMatchObject([{ zone: 'example.test' }])
  })

  it('writes no secret to its log', () => {
    const text = world().cloud.logged()
    expect(text).not.toContain(ADMIN_TOKEN)
    expect(text).not.toContain('PRIVATE+KEY+')
    expect(text).not.toContain(world().dns.secrets[0])
  })

  it('keeps a log that verifies from its export and its key alone', async () => {
    const lines: string[] = []
    for (let start = 0; ; ) {
      const page = await operate(`/v1/log/entries?start=${start}&limit=20`, 'GET')
      const entries = page.text.split('\n').filter((line) => line !== '')
      if (entries.length === 0) break
      lines.push(...entries)
      start += entries.length
    }
    const { text: note } = await ask('/v1/log/checkpoint')
    lines.push(JSON.stringify({ checkpoint: note }))
    const result = await verifyLog(lines, { vkeys: [world().vkey] })
    expect(result.findings).toEqual([])
    expect(result.ok).toBe(true)
    expect(result.entries).toBeGreaterThan(30)
    const tile = await fetch(`${world().cloud.url}/v1/log/tile/0/000.p/3`)
    expect((await tile.arrayBuffer()).byteLength).toBe(3 * 32)
  })
}
