import 'reflect-metadata';
import { Controller, Inject, Module, type DynamicModule } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import type { Service } from '@rialto/contracts';
import { answer, type Answering, type AnyHandler } from './answer.ts';
import type { Received } from './caller.ts';

const HANDLERS = Symbol('handlers');
const ANSWERING = Symbol('answering');

/**
 * A Nest module that serves every operation of a contract. Nest's decorators are called as functions, here and in the gateway's routes
 * only, so that no file needs decorator syntax and Node runs our TypeScript as it is. Throws when an operation has no handler.
 */
export function serviceModule(
  contract: Service,
  handlers: Readonly<Record<string, AnyHandler>>,
  answering: Answering,
): DynamicModule {
  const missing = Object.keys(contract.operations).filter((name) => typeof handlers[name] !== 'function');
  if (missing.length > 0)
    throw new Error(`${contract.name} does not handle ${missing.join(', ')}: add it to what \`build\` returns.`);
  class OperationsController {
    readonly handlers: Readonly<Record<string, AnyHandler>>;
    readonly answering: Answering;
    constructor(given: Readonly<Record<string, AnyHandler>>, answeringWith: Answering) {
      this.handlers = given;
      this.answering = answeringWith;
    }
  }
  Controller()(OperationsController);
  Inject(HANDLERS)(OperationsController, undefined, 0);
  Inject(ANSWERING)(OperationsController, undefined, 1);
  for (const [name, operation] of Object.entries(contract.operations)) {
    const value = function (this: OperationsController, received: Received) {
      return answer(operation, this.handlers[name] as AnyHandler, received, this.answering);
    };
    Object.defineProperty(OperationsController.prototype, name, { value });
    MessagePattern(name)(OperationsController.prototype, name, { value });
  }
  class ServiceModule {}
  Module({})(ServiceModule);
  const providers = [
    { provide: HANDLERS, useValue: handlers },
    { provide: ANSWERING, useValue: answering },
  ];
  return { module: ServiceModule, controllers: [OperationsController], providers };
}
