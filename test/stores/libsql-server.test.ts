import { openLibsqlServer } from '../../cloud/store/libsql-server.ts'
import { migrate } from '../../cloud/store/migrate.ts'
import { createSqlRepository } from '../../cloud/store/sql-repository.ts'
import { describeRepository } from '../contract/repository.ts'
import { describeTursodb, startTursodb } from './tursodb.ts'

describeTursodb('a libsql server', () => {
  describeRepository('it', async () => {
    const server = await startTursodb()
    const open = () => openLibsqlServer({ url: server.url })
    await migrate(open())
    return {
      async open() {
        const port = open()
        await migrate(port)
        return createSqlRepository(port)
      },
      async writeNewerSchema() {
        await open().batch([{ sql: 'UPDATE schema SET version = version + 1', args: [] }])
      },
      close: () => server.stop(),
    }
  })
})
