"""Checkpoints whose pickle calls a function that does something."""
from functools import partial

from attack import Attack
from hostile_pickles import Ref, as_legacy, as_pickle, as_zip, call, write


def code(marker):
    return f"open({str(marker)!r}, 'w').close()"


#: Functions that do something with the arguments given; every value takes the marker's path.
CALLS = {
    'os.system': lambda m: (f'touch {m}',),
    'posix.system': lambda m: (f'touch {m}',),
    'os.popen': lambda m: (f'touch {m}',),
    'os.mkdir': lambda m: (str(m),),
    'posix.mkdir': lambda m: (str(m),),
    'os.execvp': lambda m: ('touch', ['touch', str(m)]),
    'os.abort': lambda m: (),
    'os._exit': lambda m: (3,),
    'os.kill': lambda m: (0, 9),
    'posix.spawn': lambda m: ('/usr/bin/touch', ['touch', str(m)], {}),
    'subprocess.call': lambda m: (['touch', str(m)],),
    'subprocess.Popen': lambda m: (['touch', str(m)],),
    'subprocess.check_output': lambda m: (['touch', str(m)],),
    'subprocess.getoutput': lambda m: (f'touch {m}',),
    'pty.spawn': lambda m: (['touch', str(m)],),
    'builtins.eval': lambda m: (code(m),),
    'builtins.exec': lambda m: (code(m),),
    'builtins.open': lambda m: (str(m), 'w'),
    'builtins.__import__': lambda m: ('evil',),
    '__builtin__.eval': lambda m: (code(m),),
    '__builtin__.file': lambda m: (str(m), 'w'),
    'builtins.print': lambda m: (code(m),),
    'builtins.breakpoint': lambda m: (),
    'builtins.input': lambda m: (),
    'builtins.exit': lambda m: (3,),
    'importlib.import_module': lambda m: ('evil',),
    'runpy.run_module': lambda m: ('evil',),
    'imp.load_source': lambda m: ('evil', 'evil.py'),
    'pydoc.locate': lambda m: ('evil',),
    'pydoc.pipepager': lambda m: ('x', f'touch {m}'),
    'timeit.timeit': lambda m: (code(m),),
    'pdb.run': lambda m: (code(m),),
    'profile.run': lambda m: (code(m),),
    'cProfile.run': lambda m: (code(m),),
    'doctest.debug_script': lambda m: (code(m),),
    'code.interact': lambda m: (),
    'trace.Trace': lambda m: (),
    'io.open': lambda m: (str(m), 'w'),
    'codecs.open': lambda m: (str(m), 'w'),
    'logging.FileHandler': lambda m: (str(m),),
    'sqlite3.connect': lambda m: (str(m),),
    'zipfile.ZipFile': lambda m: (str(m), 'w'),
    'tarfile.open': lambda m: (str(m), 'w'),
    'shelve.open': lambda m: (str(m),),
    'shutil.copyfile': lambda m: ('evil.py', str(m)),
    'shutil.rmtree': lambda m: (str(m.parent),),
    'pickle.loads': lambda m: (as_pickle(call('os', 'system', f'touch {m}')),),
    'marshal.loads': lambda m: (b'\xe3' * 40,),
    'ctypes.CDLL': lambda m: ('libc.so.6',),
    'ctypes.string_at': lambda m: (8,),
    'faulthandler._sigsegv': lambda m: (),
    'signal.raise_signal': lambda m: (11,),
    'numpy.load': lambda m: ('evil.npy', None, True),
    'numpy.memmap': lambda m: (str(m), 'uint8', 'w+', 0, 8),
    'numpy.fromfile': lambda m: ('evil.npy',),
    'numpy.f2py.crackfortran.myeval': lambda m: (code(m),),
    'numpy.testing._private.utils.runstring': lambda m: (code(m), {}),
    'numpy.core.multiarray.fromstring': lambda m: (b'x',),
    'torch.load': lambda m: ('evil.pth',),
    'torch.hub.load': lambda m: ('.', 'evil', 'local'),
    'torch.jit.load': lambda m: ('evil.pth',),
    'torch.serialization.load': lambda m: ('evil.pth',),
    'torch.save': lambda m: ([], str(m)),
    'torch.ops.load_library': lambda m: ('evil.so',),
    'torch.utils.cpp_extension.load_inline': lambda m: ('x', ''),
    'torch.storage._load_from_bytes': lambda m: (as_legacy(call('os', 'system', f'touch {m}')),),
    'mmengine.load': lambda m: ('evil.pkl',),
    'mmengine.fileio.load': lambda m: ('evil.pkl',),
    'mmengine.config.Config.fromstring': lambda m: (code(m), '.py'),
    'mmengine.Config': lambda m: ({},),
    'mmengine.utils.import_modules_from_strings': lambda m: ('evil',),
    'cv2.imwrite': lambda m: (f'{m}.png', [[0]]),
    'mmengine.registry.build_from_cfg': lambda m: ({'type': 'evil.x'},),
    'PIL.Image.open': lambda m: ('evil.eps',),
    'functools.partial': lambda m: (Ref('os', 'system'), f'touch {m}'),
    'functools.reduce': lambda m: (Ref('os', 'system'), [f'touch {m}']),
    'operator.attrgetter': lambda m: ('__class__.__base__',),
    'operator.methodcaller': lambda m: ('system', f'touch {m}'),
    'itertools.starmap': lambda m: (Ref('os', 'system'), [(f'touch {m}',)]),
    'types.FunctionType': lambda m: (),
    'collections.namedtuple': lambda m: ('x', 'y'),
    'collections.defaultdict': lambda m: (Ref('os', 'abort'),),
    'copyreg._reconstructor': lambda m: (Ref('builtins', 'object'), Ref('builtins', 'object'), None),
    'copy_reg.__newobj__': lambda m: (Ref('builtins', 'object'),),
    'socket.create_connection': lambda m: (('127.0.0.1', 9),),
    'urllib.request.urlopen': lambda m: ('file:///etc/passwd',),
    'webbrowser.open': lambda m: ('x',),
    'sys.exit': lambda m: (3,),
    'mmqanet.utils.files.write_bytes': lambda m: (str(m), b'x'),
    'mmqanet.checkpoints.loading.load_checkpoint_file': lambda m: ('evil.pth',),
    'builtins.getattr': lambda m: (Ref('os', 'path'), 'os'),
    'builtins.type': lambda m: ('x', (), {}),
    'builtins.memoryview': lambda m: (b'x',),
}
#: Where in a checkpoint it stands, and how the file is written.
PLACES = (
    lambda evil: evil,
    lambda evil: {'state_dict': {'weight': evil}},
    lambda evil: {'meta': {'cfg': evil}},
    lambda evil: {'state_dict': {}, 'optimizer': [(evil,)]},
    lambda evil: {'message_hub': {'log_scalars': {'loss': evil}}},
)
WRITERS = (as_zip, as_legacy, as_zip, as_pickle)


def with_call(name, arguments, place, writer, path, marker):
    module, _, function = name.rpartition('.')
    write(path, writer(place(call(module, function, *arguments(marker)))))


def attacks():
    for index, (name, arguments) in enumerate(CALLS.items()):
        place, writer = PLACES[index % len(PLACES)], WRITERS[index % len(WRITERS)]
        yield Attack('calls in a pickle', f'{name}.pth', 'load', partial(with_call, name, arguments, place, writer))
