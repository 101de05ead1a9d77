import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Repository } from '../../cloud/ports.ts'
import { openLibsql } from '../../cloud/store/libsql.ts'
import { migrate } from '../../cloud/store/migrate.ts'
import { createSqlRepository } from '../../cloud/store/sql-repository.ts'
import { describeRepository } from './repository.ts'

describeRepository('libsql', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'reprefix-store-'))
  const opened: Repository[] = []
  return {
    async open() {
      const port = await openLibsql(`file:${join(directory, 'cloud.db')}`)
      await migrate(port)
      const repository = createSqlRepository(port)
      opened.push(repository)
      return repository
    },
    async writeNewerSchema() {
      const port = await openLibsql(`file:${join(directory, 'cloud.db')}`)
      await port.batch([{ sql: 'UPDATE schema SET version = version + 1', args: [] }])
      port.close()
    },
    async close() {
      for (const repository of opened.splice(0)) repository.close()
      await rm(directory, { recursive: true })
    },
  }
})
