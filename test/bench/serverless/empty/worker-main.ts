import { app } from './app.ts'

// An empty handler on Cloudflare Workers.
export default app
