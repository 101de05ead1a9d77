import { startNode } from './start-node.ts'
import { describeRuntime } from './suite.ts'

describeRuntime('Node', startNode)
