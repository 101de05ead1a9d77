// What AWS Lambda runs in an instance: loads the handler, asks the Runtime API for the next event, and
// posts what the handler gives. See https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const { AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT = '.', _HANDLER = 'index.handler' } = process.env
const api = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`

/** @param {string} path @param {unknown} body */
const post = (path, body) => fetch(`${api}${path}`, { method: 'POST', body: JSON.stringify(body) })

/** @param {unknown} error */
const describeError = (error) => ({
  errorType: error instanceof Error ? error.name : 'Error',
  errorMessage: error instanceof Error ? error.message : String(error),
  stackTrace: [],
})

/** @returns {Promise<(event: unknown, context: object) => Promise<unknown>>} */
async function load() {
  const [file, name = 'handler'] = _HANDLER.split('.')
  try {
    const module = await import(pathToFileURL(join(LAMBDA_TASK_ROOT, `${file}.mjs`)).href)
    return module[name]
  } catch (error) {
    console.error(error)
    await post('/init/error', describeError(error))
    return process.exit(1)
  }
}

const handler = await load()
for (;;) {
  const next = await fetch(`${api}/invocation/next`)
  const id = next.headers.get('lambda-runtime-aws-request-id') ?? ''
  const deadline = Number(next.headers.get('lambda-runtime-deadline-ms'))
  const context = {
    awsRequestId: id,
    functionName: 'reprefix',
    invokedFunctionArn: next.headers.get('lambda-runtime-invoked-function-arn'),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  }
  try {
    await post(`/invocation/${id}/response`, (await handler(await next.json(), context)) ?? null)
  } catch (error) {
    await post(`/invocation/${id}/error`, describeError(error))
  }
}
