// @ts-expect-error: written at deploy by "reprefix config embed --runtime workers"
import settings from './settings.js'
import { createWorker } from './worker.ts'

// The module that Cloudflare Workers loads.
export default createWorker(settings)
