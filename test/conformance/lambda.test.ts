import { describeDynamo } from '../stores/describe-dynamo.ts'
import { startLambda } from './start-lambda.ts'
import { describeRuntime } from './suite.ts'

describeDynamo('AWS Lambda on DynamoDB', () => {
  describeRuntime('Lambda', (setting) => startLambda(setting))
})
