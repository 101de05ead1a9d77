import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe } from 'vitest'
import type { Repository } from '../../cloud/ports.ts'
import { describeRepository } from '../contract/repository.ts'
import { describeDynamo } from './describe-dynamo.ts'
import { type Dynoxide, openDynamoRepository, startDynoxide } from './dynoxide.ts'

const deps = { sleep: (ms: number) => sleep(ms), random: Math.random }

describeDynamo('DynamoDB', () => {
  let dynoxide: Dynoxide
  beforeAll(async () => {
    dynoxide = await startDynoxide()
  })
  afterAll(() => dynoxide.stop())

  describe.each([false, true])('with the SDK: %s', (withSdk) => {
    describeRepository('DynamoDB', async () => {
      const settings = { ...(await dynoxide.createTable()), withSdk }
      const opened: Repository[] = []
      return {
        async open() {
          const repository = await openDynamoRepository(settings, deps)
          opened.push(repository)
          return repository
        },
        writeNewerSchema: () =>
          dynoxide.put(settings.table, {
            ...{ pk: { S: 'SCHEMA' }, sk: { S: '-' }, version: { N: '2' } },
          }),
        async close() {
          for (const repository of opened) repository.close()
        },
      }
    })
  })
})
