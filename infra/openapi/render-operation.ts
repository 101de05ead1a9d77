import { renderHeaders } from './headers.ts'
import type { Answer, Operation, Parameter } from './operation.ts'
import { renderProblems } from './problems.ts'
import { reference } from './value-schemas.ts'

/** The Operation Object (OpenAPI 3.1 §4.8.10). */
export function renderOperation(operation: Operation): Readonly<Record<string, unknown>> {
  const { id, tag, summary, description, isOperators, parameters, body, answers } = operation
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description && { description }),
    ...(isOperators && { security: [{ operator: [] }] }),
    ...(parameters && { parameters: parameters.map(renderParameter) }),
    ...(body && {
      requestBody: {
        required: true,
        content: { [body.contentType]: { schema: reference(body.schema) } },
      },
    }),
    responses: {
      ...Object.fromEntries(answers.map((answer) => [answer.status, renderAnswer(answer)])),
      ...renderProblems(operation),
    },
  }
}

function renderParameter({ isRequired = true, ...parameter }: Parameter) {
  return { ...parameter, required: isRequired }
}

function renderAnswer({ description, contentType, schema, headers = [] }: Answer) {
  return {
    description,
    headers: renderHeaders(['X-Request-Id', ...headers]),
    content: { [contentType]: schema === undefined ? {} : { schema: reference(schema) } },
  }
}
