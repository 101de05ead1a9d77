import { startWorker } from './start-worker.ts'
import { describeRuntime } from './suite.ts'

describeRuntime('Workers', (setting) => startWorker(setting))
