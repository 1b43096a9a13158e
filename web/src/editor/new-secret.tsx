import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { call } from '../api/client.ts';
import { isGranted, useSession } from '../api/session.tsx';
import { Button } from '../parts/button.tsx';
import { Modal } from '../parts/dialog.tsx';
import { TextField } from '../parts/field.tsx';
import { Failure } from '../parts/messages.tsx';
import { strings } from '../strings.ts';
import { draftOf } from './editor-kind.ts';
import { textOf } from './field-text.ts';
import { type Manifest, type Path, valueIn } from './use-manifest.ts';

const text = strings.secret;

interface NewSecretProps {
  /** Of a reference to a Secret. */
  readonly path: Path;
  readonly manifest: Manifest;
}

/** Makes the Secret that a field refers to. Only Kubernetes has Secrets; elsewhere they are files of the agents. */
export function NewSecret({ path, manifest }: NewSecretProps) {
  const session = useSession();
  const [isOpen, setOpen] = useState(false);
  const [made, setMade] = useState<string>();
  if (session.mode !== 'kubernetes') return null;
  const { namespace } = draftOf(manifest.value);
  const reason =
    namespace === ''
      ? strings.editor.needsNamespace
      : isGranted(session, 'editor', namespace)
        ? undefined
        : strings.roles.needsEditorIn(namespace);
  return (
    <p>
      <Button reason={reason} onClick={() => setOpen(true)}>
        {text.make}
      </Button>{' '}
      <span role="status" className="soft">
        {made !== undefined && text.made(made)}
      </span>
      <Modal
        title={text.title(namespace)}
        description={text.what}
        isOpen={isOpen}
        onClose={() => setOpen(false)}
      >
        <SecretForm
          path={path}
          manifest={manifest}
          onDone={(name) => {
            setMade(name);
            setOpen(false);
          }}
        />
      </Modal>
    </p>
  );
}

/** The value is nowhere but in this form, which is gone when it is closed. */
function SecretForm({
  path,
  manifest,
  onDone,
}: NewSecretProps & { readonly onDone: (name: string) => void }) {
  const { namespace, name: owner } = draftOf(manifest.value);
  const field = path.at(-1) ?? '';
  const given = (part: string) => textOf(valueIn(manifest.value, [...path, part]));
  const [name, setName] = useState(given('name') || `${owner || path[1]}-credentials`);
  const [key, setKey] = useState(given('key') || usualKey(field));
  const [value, setValue] = useState('');
  const id = useId();
  const making = useMutation({
    mutationFn: () =>
      call(`/secrets/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`, {
        method: 'PUT',
        body: { values: { [key]: value } },
      }),
    onSuccess: () => {
      manifest.setIn(path, { name, key });
      onDone(name);
    },
  });
  const input = {
    id,
    required: true,
    autoComplete: 'off',
    value,
    onChange: (event: { readonly target: { readonly value: string } }) => setValue(event.target.value),
  };
  return (
    <form
      className="form"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        if (!making.isPending) making.mutate();
      }}
    >
      <TextField label={text.name} required value={name} onChange={(event) => setName(event.target.value)} />
      <TextField label={text.key} required value={key} onChange={(event) => setKey(event.target.value)} />
      <div className="field">
        <label htmlFor={id}>{text.value}</label>
        {isPem(field) ? <textarea rows={6} {...input} /> : <input type="password" {...input} />}
      </div>
      {making.error && <Failure error={making.error} />}
      <div className="dialog-buttons">
        <Button type="submit" kind="primary" isBusy={making.isPending}>
          {text.store}
        </Button>
      </div>
    </form>
  );
}

export function isSecretRef(path: Path): boolean {
  return path.at(-1)?.endsWith('SecretRef') ?? false;
}

/** Certificates and keys have several lines. */
function isPem(field: string): boolean {
  return /^(ca|cert|key)SecretRef$/.test(field);
}

const usualKeys: Readonly<Record<string, string>> = {
  caSecretRef: 'ca.crt',
  certSecretRef: 'tls.crt',
  keySecretRef: 'tls.key',
};

function usualKey(field: string): string {
  return usualKeys[field] ?? field.replace(/SecretRef$/, '');
}
