import { serve } from '@hono/node-server'
import { app } from './app.ts'

// An empty handler on plain Node; says when it listens, as the cloud does.
const [port] = process.argv.slice(2)
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(port) }, () => {
  console.log('{"event":"listening"}')
})
