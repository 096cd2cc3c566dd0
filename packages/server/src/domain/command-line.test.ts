import { Fault } from '@littoral/contract/errors'
import { describe, expect, it } from 'vitest'
import { parseHook, splitCommandLine } from './command-line.ts'

describe('a command line', () => {
  it.each([
    ['nginx', ['nginx']],
    ['/bin/sh', ['/bin/sh']],
    ['-c hello', ['-c', 'hello']],
    ['  a \t b\n', ['a', 'b']],
    ['', []],
    ['   ', []],
    ['sh poststart.sh "echo hello world"', ['sh', 'poststart.sh', 'echo hello world']],
    ['sh -c \'echo "hi"\'', ['sh', '-c', 'echo "hi"']],
    ['-g "daemon off;"', ['-g', 'daemon off;']],
    ['--title="My App" x', ['--title=My App', 'x']],
    ['"" a', ['', 'a']],
    ['"say \\"hi\\" \\\\"', ['say "hi" \\']],
    ["'a\\b'", ['a\\b']],
    ['a\\ b', ['a b']],
    ['C:\\temp $HOME *', ['C:\\temp', '$HOME', '*']],
    ['ends with\\', ['ends', 'with\\']],
  ])('splits %j into %j', (text, words) => {
    expect(splitCommandLine(text, 'Command')).toEqual(words)
  })

  it.each([
    ['echo "open', /Containers\[0\]\.Command: a " is opened and not closed/],
    ["echo 'open", /Containers\[0\]\.Command: a ' is opened/],
    ['a\0b', /Containers\[0\]\.Command: a NUL/],
    ['x '.repeat(257), /Containers\[0\]\.Command: more than 256 words/],
  ])('refuses %j and names the field', (text, message) => {
    expect(() => splitCommandLine(text, 'Containers[0].Command')).toThrow(message)
  })
})

describe('a hook', () => {
  it('is a command line, or the exec form', () => {
    expect(parseHook('sh prestop.sh "echo hello world"', 'PreStop')).toEqual(['sh', 'prestop.sh', 'echo hello world'])
    expect(parseHook('{"exec":{"command":["sh","-c","a b"]}}', 'PreStop')).toEqual(['sh', '-c', 'a b'])
  })

  it.each(['', '  ', '{}', ' { } '])('means none when it is %j', (text) => {
    expect(parseHook(text, 'PreStop')).toBeUndefined()
  })

  it.each([
    '{"exec"',
    '{"exec":{}}',
    '{"exec":{"command":[]}}',
    '{"exec":{"command":"ls"}}',
    '{"exec":{"command":[1]}}',
    '{"exec":{"command":["a"]},"httpGet":{}}',
    '{"exec":{"command":["a\\u0000"]}}',
  ])('is refused when it is %j', (text) => {
    const refused = () => parseHook(text, 'Containers[1].PostStart')
    expect(refused).toThrow(Fault)
    expect(refused).toThrow(/Containers\[1\]\.PostStart/)
  })
})
