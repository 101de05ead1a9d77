import { readFile } from 'node:fs/promises'
import { toJsonSchema } from '@valibot/to-json-schema'
import type { GenericSchema } from 'valibot'
import { describe, expect, it } from 'vitest'
import { parseConfig as parseAgentConfig } from '../../agent/config.ts'
import { configSchema as agentSchema } from '../../agent/config-schema.ts'
import { configSchema as cloudSchema, parseConfig as parseCloudConfig } from '../../cloud/config.ts'

/** What an editor can check: the form of the text, before addresses and names are read from it. */
function render(title: string, schema: GenericSchema): string {
  const json = toJsonSchema(schema, { typeMode: 'input', errorMode: 'ignore' })
  return `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', title, ...json }, null, 2)}\n`
}

// Published for editors; `npx vitest run --project unit -u` writes them anew.
describe('the published JSON Schemas', () => {
  it('say what the agent accepts', async () => {
    await expect(render('reprefix agent.yaml', agentSchema)).toMatchFileSnapshot(
      '../../docs/schema/agent.schema.json',
    )
  })

  it('say what the cloud accepts', async () => {
    await expect(render('reprefix cloud.yaml', cloudSchema)).toMatchFileSnapshot(
      '../../docs/schema/cloud.schema.json',
    )
  })
})

describe('the example settings', () => {
  const resolve = () => 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMy'

  it('of an agent are valid', async () => {
    const text = await readFile('infra/examples/agent.yaml', 'utf8')
    expect(parseAgentConfig(text, 'agent.yaml', resolve).intent.uplink).toBe('eth0')
  })

  it('of a cloud are valid', async () => {
    const text = await readFile('infra/examples/cloud.yaml', 'utf8')
    const { zones, warnings } = parseCloudConfig(text, 'cloud.yaml', resolve)
    expect(zones.map(({ name }) => name)).toEqual(['example.org'])
    expect(warnings).toEqual([])
  })
})
